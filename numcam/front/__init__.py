"""The front door: a picture in any form goes in, an answer that shows itself comes out."""

from numcam.front.attacking import Attacked
from numcam.front.explaining import Explained

__all__ = ["Attacked", "Explained"]
