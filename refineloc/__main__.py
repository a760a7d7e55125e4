"""``python -m refineloc``: the console command, where it is not installed."""

from refineloc import main

main()
