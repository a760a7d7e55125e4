"""``python -m refineloc``: the console command."""

from refineloc.command import main

main()
