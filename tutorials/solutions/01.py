"""Page 01: a derivative is output change per input wiggle."""


def derivative(f, x, step=1e-5):
    """The slope of f at x: what one wiggle up and one wiggle down make of the output, per unit of the input."""
    up = f(x + step)
    down = f(x - step)
    return (up - down) / (2 * step)


def f(x):
    return x**3 - 5 * x


if __name__ == "__main__":
    # The slope at 2 is 3 * 2**2 - 5 = 7, so 0.01 more of x should give about 0.07 more of f: upwards.
    print(f"slope at 2: {derivative(f, 2.0):.6f}")
    print(f"f(2.01) - f(2): {f(2.01) - f(2):.6f}, predicted {derivative(f, 2.0) * 0.01:.6f}")
