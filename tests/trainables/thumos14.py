"""What tests on THUMOS14 share."""

from trainables.config import shipped

THUMOS14_CLASSES = shipped("thumos14").classes
