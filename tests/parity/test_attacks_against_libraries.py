"""Every attack against foolbox's, on the same network in PyTorch; both in float64.

foolbox computes with the cross-entropy as it is, numcam with its direction: the steps must be the same, to rounding.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")
foolbox = pytest.importorskip("foolbox", reason="foolbox is not installed: pip install -e '.[parity]'")

from torchnets import activations  # noqa: E402

from numcam.attack import answers, bim, deepfool, fgsm, pgd, rms  # noqa: E402
from numcam.models.classifier import Classifier  # noqa: E402
from numcam.models.preprocessing import TORCHVISION  # noqa: E402
from numcam.models.vgg import random_network  # noqa: E402

pytestmark = pytest.mark.torch
SIZE = (32, 64)


class Bare(torch.nn.Module):
    """The network as foolbox wants it: pixels 0-255 in, logits out."""

    def __init__(self, classifier):
        super().__init__()
        self.network = classifier.network.astype(np.float64)
        self.mean = torch.tensor(TORCHVISION.mean, dtype=torch.float64)[:, None, None]
        self.scale = torch.tensor(TORCHVISION.scale, dtype=torch.float64)[:, None, None]

    def forward(self, pixels):
        values = activations(self.network, (pixels - self.mean) / self.scale)
        return values[list(values)[-1]]


@pytest.fixture(scope="module")
def ours():
    return Classifier(random_network("pocket", 7, SIZE), tuple("abcdefg"), TORCHVISION, SIZE)


@pytest.fixture(scope="module")
def theirs(ours):
    return foolbox.PyTorchModel(Bare(ours).eval(), bounds=(0, 255))


def pixels(n=3):
    return np.random.default_rng(5).uniform(0, 255, (n, 3, *SIZE))


def attacked(theirs, attack, p, criterion, epsilon):
    _, clipped, _ = attack(theirs, torch.from_numpy(p), criterion, epsilons=epsilon)
    return clipped.numpy()


def untargeted(labels):
    return foolbox.criteria.Misclassification(torch.from_numpy(labels))


def close(found, expected, change=1e-6):
    """The same pixels but for values whose gradient is 0 to rounding: at most one in a thousand of them."""
    far = np.abs(found - expected) > change
    assert far.mean() < 1e-3, f"{far.mean():.2%} of the values differ, by up to {np.abs(found - expected).max():.3g}"


@pytest.mark.parametrize("epsilon", [0.5, 4.0, 40.0])
def test_fgsm_is_foolboxs(ours, theirs, epsilon):
    p = pixels()
    labels = answers(ours, p)
    attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)
    close(fgsm(ours, p, epsilon=epsilon), attacked(theirs, attack, p, untargeted(labels), epsilon))


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize(("name", "options"), [("bim", {}), ("pgd", {"seed": None})])
def test_iterated_steps_are_foolboxs(ours, theirs, name, options, targeted):
    p = pixels()
    labels = answers(ours, p)
    wanted = (labels + 2) % 7
    criterion = foolbox.criteria.TargetedMisclassification(torch.from_numpy(wanted)) if targeted else untargeted(labels)
    kind = {"bim": foolbox.attacks.LinfBasicIterativeAttack, "pgd": foolbox.attacks.LinfPGD}[name]
    attack = kind(abs_stepsize=1.0, steps=10, random_start=False)
    ours_at = {"bim": bim, "pgd": pgd}[name](
        ours, p, wanted if targeted else None, epsilon=6.0, targeted=targeted, steps=10, alpha=1.0, **options
    )
    close(ours_at, attacked(theirs, attack, p, criterion, 6.0))


def test_steps_in_l2_are_foolboxs_with_its_radius_in_our_units(ours, theirs):
    """foolbox's epsilon is the length of the change; numcam's its root mean square."""
    p = pixels()
    labels = answers(ours, p)
    values = np.sqrt(p[0].size)
    attack = foolbox.attacks.L2PGD(abs_stepsize=0.2 * values, steps=10, random_start=False)
    expected = attacked(theirs, attack, p, untargeted(labels), 1.5 * values)
    found = pgd(ours, p, epsilon=1.5, steps=10, alpha=0.2, norm="l2", seed=None)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert rms(found - p).max() > 1


def test_deepfool_is_foolboxs(ours, theirs):
    p = pixels(4)
    labels = answers(ours, p)
    attack = foolbox.attacks.L2DeepFoolAttack(steps=50, candidates=7, overshoot=0.02, loss="logits")
    raw, _, success = attack(theirs, torch.from_numpy(p), untargeted(labels), epsilons=None)
    assert bool(success.all())
    found = deepfool(ours, p, candidates=7)
    assert (answers(ours, found) != labels).all()
    # foolbox divides by the gradient's norm plus 1e-8, a millionth of the norm here, and its steps are some 10 long
    lengths = [np.sqrt(((a - p) ** 2).sum(axis=(1, 2, 3))) for a in (found, raw.numpy())]
    np.testing.assert_allclose(lengths[0], lengths[1], rtol=1e-5)
    np.testing.assert_allclose(found, raw.numpy(), atol=1e-4)


def test_where_the_softmax_is_saturated_foolbox_stands_still_and_numcam_does_not():
    """With logits 500 apart the cross-entropy's gradient is exactly 0, in float64 too."""
    network = random_network("pocket", 7, SIZE)
    parameters = {**network.parameters}
    parameters["fc8.bias"] = np.array([1000, 0, 0, 0, 0, 0, 0], np.float32)
    sure = Classifier(network.with_parameters(parameters), tuple("abcdefg"), TORCHVISION, SIZE)
    model = foolbox.PyTorchModel(Bare(sure).eval(), bounds=(0, 255))
    p = pixels(1)
    attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)
    np.testing.assert_array_equal(attacked(model, attack, p, untargeted(np.array([0])), 4.0), p)
    assert np.mean(fgsm(sure, p, epsilon=4.0) != p) > 0.99
