"""The exercises, page by page: the right function, the inputs it is tried on, and the wrong versions of it.

One more wrong version is a function under `@exercise.wrong(...)`: its name is what the checker calls it, its docstring
the one sentence that is shown. The tests ask that it differs, on the inputs, from the right one and from all others.
"""
