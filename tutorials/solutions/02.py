"""Page 02: along a path gradients multiply, between paths they add."""


def six_gradients(a, b, c):
    """The six red numbers of  d = a * b,  e = d + c,  f = e * a."""
    d = a * b
    e = d + c

    df = 1.0
    de = df * a  # f = e * a: the other factor
    da = df * e  # a's direct path to f ...
    dd = de  # e = d + c: a sum hands on what it gets
    dc = de
    da += dd * b  # ... and the one through d
    db = dd * a
    return da, db, dc, dd, de, df


if __name__ == "__main__":
    names = ("da", "db", "dc", "dd", "de", "df")
    print({name: float(value) for name, value in zip(names, six_gradients(2.0, 3.0, 4.0), strict=True)})
