"""Page 00: explain the other class in the same picture."""

import numpy as np

import numcam


def runner_up(scores):
    """The index of each picture's second-highest score: (n, classes) -> (n,)."""
    from_low_to_high = np.argsort(scores, axis=1)
    return from_low_to_high[:, -2]


if __name__ == "__main__":
    classifier = numcam.load()
    scene = numcam.scenes.draw(14, objects=2, names=("cat", "dog"))
    trace = classifier.forward(classifier.preprocess(scene.image))
    for index in (int(trace.output[0].argmax()), int(runner_up(trace.output)[0])):
        cam = numcam.grad_cam(trace, index)[0]
        row, col = np.unravel_index(cam.argmax(), cam.shape)
        cell = np.s_[16 * row : 16 * row + 16, 16 * col : 16 * col + 16]
        on = {thing.name: f"{thing.mask[cell].mean():.0%}" for thing in scene.objects}
        print(f"{classifier.classes[index]}: the maximum lies in row {row}, column {col}; that cell shows {on}")
