"""What the mechanics are assembled into: the VGG family, and a classifier that knows its preprocessing."""
