"""The exercises, page by page: the right function, the inputs it is tried on, and the wrong versions of it."""
