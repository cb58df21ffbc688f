"""numcam demo: the whole of it on a bundled picture. What numcam does without a command."""

import argparse
from pathlib import Path

from numcam import scenes
from numcam.cli.common import command, ranking
from numcam.cli.outputs import make_folder
from numcam.figures import TITLES, figure_1, figure_2, flips, save, where
from numcam.files import check_writable
from numcam.loading import load

DEMO_SEED = 14
DEMO_NAMES = ("cat", "dog")
EPSILON = 2.0
ATTACKED = (182, 129, 49)
"""Seeds of scenes that FGSM turns into another class, a cat, a dog and a boat: finding such scenes takes its time."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(
        subparsers,
        "demo",
        "  numcam                        figure-1.png and figure-2.png, here\n"
        "  numcam demo -o slides         the same, in the folder slides",
    )
    parser.add_argument("-o", "--out", type=Path, default=Path(), metavar="FOLDER", help="where to (current folder)")
    parser.set_defaults(run=demo)


def demo(options: argparse.Namespace) -> int:
    """Explain, attack, print and write the two figures."""
    make_folder(options.out)
    paths = [options.out / f"figure-{k}.png" for k in (1, 2)]
    for path in paths:
        check_writable(path)
    classifier = load()
    scene = scenes.draw(DEMO_SEED, objects=2, names=DEMO_NAMES)
    print(f"{classifier.name} ({sum(p.size for p in classifier.network.parameters.values()):,} parameters) looks at")
    print(f"a drawn {DEMO_NAMES[0]} and {DEMO_NAMES[1]}: {ranking(classifier.predict(scene.image, top=3))}\n")
    figure, found = figure_1(classifier, scene)
    print(f"{'asked for':10} {'method':26} {'maximum at row, col':>20}")
    for name, one in found:
        at = f"{one.at[0]}, {one.at[1]}" if one.at else "blank"
        print(f"{name:10} {TITLES[one.method]:26} {at:>20}   {where(scene, one.at)}")
    save(figure, paths[0])
    attacked = list(flips(classifier, (scenes.draw(seed) for seed in ATTACKED), EPSILON))
    print(f"\nFGSM, every value moved by {EPSILON:g} of 255:")
    for scene, pixels, right, _ in attacked:
        before = classifier.predict(scene.image, top=1)
        after = classifier.predict(pixels[0].transpose(1, 2, 0), top=1)
        print(f"  {classifier.classes[right]:10} {ranking(before):>20}  ->  {ranking(after)}")
    save(figure_2(classifier, attacked, EPSILON), paths[1])
    print(f"\nwrote {paths[0]}\nwrote {paths[1]}")
    return 0
