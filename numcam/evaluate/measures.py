"""Every measure on drawn scenes, by name."""

from numcam.evaluate.attacked import CONFIDENT, ROBUSTNESS, confident, robustness
from numcam.evaluate.labelling import SEEDS, weak_supervision
from numcam.evaluate.pointing import LOCALISATION, REJECTING, TABLE_1, localisation, rejecting, table1
from numcam.evaluate.record import Measure
from numcam.evaluate.relying import FAITHFULNESS, ROAD, SANITY, faithfulness, randomisation, removal

MEASURES: dict[str, Measure] = {
    "localisation": Measure(
        "two objects, each asked for: where is the maximum, and what does the map cover?",
        LOCALISATION,
        localisation,
        1000,
        objects=2,
    ),
    "rejecting": Measure(
        "pointing with a reject option, the five likeliest classes of scenes of two objects",
        REJECTING,
        rejecting,
        500,
        objects=2,
    ),
    "table1": Measure(
        "the paper's Table 1: errors of weakly supervised localisation, lower is better",
        TABLE_1,
        table1,
        1000,
    ),
    "faithfulness": Measure(
        "what the score does as the explanation is taken away, put in, or shown alone",
        FAITHFULNESS,
        faithfulness,
        100,
        chunk=5,
    ),
    "road": Measure(
        "ROAD: the score with 20 to 80 % of the pixels removed and filled in from their neighbours",
        ROAD,
        removal,
        40,
        chunk=2,
    ),
    "sanity": Measure(
        "likeness to the trained network's explanation once parameters are drawn anew",
        SANITY,
        randomisation,
        40,
    ),
    "robustness": Measure(
        "under attack: the right class's map and the wrong class's, on scenes of one object",
        ROBUSTNESS,
        robustness,
        1000,
    ),
    "confident": Measure(
        "scenes of two objects taken for the least likely class with a probability of 0.9999",
        CONFIDENT,
        confident,
        100,
        chunk=4,
        objects=2,
    ),
    "seeds": Measure(
        "segmentation seeds from class names alone, scenes of two objects",
        SEEDS,
        weak_supervision,
        500,
        objects=2,
    ),
}
"""Every measure by name."""
