"""What went wrong in a reader's file, told with the line of *their* file and without a traceback."""

import linecache
import traceback
from types import FrameType


class Teller:
    """Explains errors raised by the file at `path`, which was allowed `memory` GB."""

    def __init__(self, path: str, memory: float) -> None:
        self.path, self.memory = path, memory

    def __call__(self, error: BaseException) -> str:
        """ "line 12, `dx = dout @ w.T`: ValueError: matmul: ..." """
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == self.path]
        where = f"{self.line(frames[-1].lineno or 0)}: " if frames else ""
        return where + self.what(error)

    def line(self, number: int) -> str:
        """A line of the file by its number, with its text."""
        text = linecache.getline(self.path, number).strip()
        return f"line {number}" + (f", `{text[:80]}`" if text else "")

    def place(self, frame: FrameType | None) -> str:
        """The innermost line of the file that is being run, or ""."""
        while frame and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return self.line(frame.f_lineno) if frame else ""

    def what(self, error: BaseException) -> str:
        """The error in a sentence, with a hint where there is a usual reason."""
        message = " ".join(str(error).split())[:300]
        match error:
            case SystemExit():
                return "it ends Python (sys.exit, exit or quit); a function returns instead"
            case MemoryError():
                return f"it asks for more memory than the {self.memory:g} GB it may have. {message}".strip()
            case RecursionError():
                return "it calls itself without end (RecursionError)"
            case ModuleNotFoundError():
                return f"it imports {error.name}, which is not installed here; NumPy and numcam are enough"
            case EOFError():
                return "it waits for input(), and nobody is there to type"
            case KeyboardInterrupt():
                return "it raises KeyboardInterrupt"
        hint = ""
        if "read-only" in message:
            hint = " (the arrays of traces and networks are read-only here: copy one before you change it)"
        if "truth value of an array" in message:
            hint = " (an array: `if` cannot ask it one question; `x > 0` gives one answer for each number)"
        return f"{type(error).__name__}: {message}{hint}" if message else f"{type(error).__name__}{hint}"

    def of_loading(self, error: BaseException) -> str:
        """Why the file as a whole could not be run."""
        if "unicode error" in str(error) or "null bytes" in str(error) or isinstance(error, UnicodeDecodeError):
            return "it is not a Python file, or not saved as UTF-8"
        if isinstance(error, SyntaxError) and error.filename == self.path:
            text = (error.text or "").strip()
            return f"line {error.lineno}" + (f", `{text[:80]}`" if text else "") + f": {error.msg}"
        if isinstance(error, SystemExit):
            return f'{self(error)}; put such a call under if __name__ == "__main__":'
        return self(error)
