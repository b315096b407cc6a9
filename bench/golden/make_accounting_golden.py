"""Writes tests/DifferentialPrivacy.Tests/Accounting/golden.json: privacy quantities by 40-digit arithmetic.

Run with Debian's python3 (package python3-mpmath):

    /usr/bin/python3 bench/golden/make_accounting_golden.py

Nothing here shares a formula with the product where another is to be had: moments of the subsampled Gaussian are integrals over the noise (the product
sums series and trapezoids), single-step privacy curves are integrals of the hockey stick, and k-fold ones of discrete losses are exact sums.
"""
import json
import pathlib

from mpmath import mp, mpf, exp, expm1, log, log1p, loggamma, quad, ncdf, npdf

mp.dps = 40


def moment(q, z, order):
    """E[((1-q) + q e^((2x-1)/(2z^2)))^order], x ~ N(0, z^2), as an integral over t = x/z."""
    q, z, order = mpf(q), mpf(z), mpf(order)
    peak = order / z

    def integrand(t):
        y = t / z - 1 / (2 * z * z)
        return ((1 - q) + q * exp(y)) ** order * npdf(t)

    cuts = sorted(set([mpf(-30), mpf(-8), mpf(-2), mpf(0), mpf(2), mpf(8), peak / 2, peak - 4, peak, peak + 4, peak + 30]))
    return quad(integrand, cuts)


def rdp(q, z, order):
    return log(moment(q, z, order)) / (mpf(order) - 1)


def subsampled_delta(q, z, epsilon, direction):
    """The hockey stick divergence of one step, both directions in closed form."""
    q, z, g = mpf(q), mpf(z), exp(mpf(epsilon))
    if direction == "remove":
        # (1-q)N(0) + qN(1) over N(0): outputs above x.
        x = z * z * log((g - (1 - q)) / q) + mpf(1) / 2
        return (1 - q) * ncdf(-x / z) + q * ncdf((1 - x) / z) - g * ncdf(-x / z)
    # N(0) over the mixture: outputs below x, where 1/mixture exceeds e^epsilon.
    if 1 / g - (1 - q) <= 0:
        return mpf(0)
    x = z * z * log((1 / g - (1 - q)) / q) + mpf(1) / 2
    return ncdf(x / z) - g * ((1 - q) * ncdf(x / z) + q * ncdf((x - 1) / z))


def gaussian_delta(z, epsilon):
    z, e = mpf(z), mpf(epsilon)
    return ncdf(1 / (2 * z) - e * z) - exp(e) * ncdf(-1 / (2 * z) - e * z)


def gaussian_epsilon(z, delta):
    """By bisection, with digits to spare for a difference of two tails."""
    with mp.workdps(80):
        low, high = mpf(0), 1 / mpf(z)
        while gaussian_delta(z, high) > delta:
            high *= 2
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if gaussian_delta(z, middle) > delta else (low, middle)
        return high


def whole_order_rdp(q, z, order):
    """The sum over how often the record is drawn."""
    q, z = mpf(q), mpf(z)
    share = (1 - q) ** order
    total = mpf(0)
    for k in range(order + 1):
        total += share * expm1(mpf(k) * (k - 1) / (2 * z * z))
        share *= mpf(order - k) / (k + 1) * q / (1 - q)
    return log1p(total) / (order - 1)


def binomial_tail(count, p, least):
    p = mpf(p)
    share = exp(loggamma(count + 1) - loggamma(least + 1) - loggamma(count - least + 1) + least * log(p) + (count - least) * log1p(-p))
    total = mpf(0)
    for k in range(least, count + 1):
        total += share
        share *= mpf(count - k) / (k + 1) * p / (1 - p)
        if share < total * mpf(10) ** -30:
            break
    return total


def laplace_rdp(b, order):
    e, a = 1 / mpf(b), mpf(order)
    return log(a / (2 * a - 1) * exp((a - 1) * e) + (a - 1) / (2 * a - 1) * exp(-a * e)) / (a - 1)


def response_delta(e0, d0, count, epsilon):
    """Composed randomised response with outright failure, as a sum over outcomes."""
    e0, d0, e = mpf(e0), mpf(d0), mpf(epsilon)
    up = exp(e0) / (1 + exp(e0))
    total, share = mpf(0), up**count
    for downs in range(count + 1):
        loss = (count - 2 * downs) * e0
        if loss <= e:
            break
        total += share * -expm1(e - loss)
        share *= mpf(count - downs) / (downs + 1) * exp(-e0)
    return -expm1(count * log1p(-d0)) + (1 - d0) ** count * total


def discrete_gaussian_delta(sigma, epsilon):
    sigma, e = mpf(sigma), mpf(epsilon)
    reach = int(60 * sigma) + 2
    norm = sum(exp(-mpf(x) ** 2 / (2 * sigma**2)) for x in range(-reach, reach + 1))
    total = mpf(0)
    for x in range(-reach, reach + 1):
        loss = (2 * x + 1) / (2 * sigma**2)
        if loss > e:
            total += exp(-mpf(x) ** 2 / (2 * sigma**2)) / norm * (1 - exp(e - loss))
    return total


def two_steps_delta(q, z, epsilon):
    """delta of two steps of the subsampled Gaussian (remove): an integral over the first step's output of the second's closed form."""
    qq, zz = mpf(q), mpf(z)

    def inner(t):
        y = t / zz - 1 / (2 * zz * zz)
        ratio = (1 - qq) + qq * exp(y)
        rest = mpf(epsilon) - log(ratio)
        if exp(rest) <= 1 - qq:
            # The second step's loss always exceeds what is left.
            return (ratio - exp(mpf(epsilon))) * npdf(t)
        return ratio * subsampled_delta(q, z, rest, "remove") * npdf(t)

    edge = (exp(mpf(epsilon)) / (1 - qq) - (1 - qq)) / qq
    cuts = [mpf(-20), mpf(-6), mpf(-2), mpf(0), mpf(2), mpf(6), mpf(14), 1 / zz + 20]
    if edge > 0:
        cuts.append(zz * log(edge) + 1 / (2 * zz))
    return quad(inner, sorted(cuts))


def text(value):
    return float(mp.nstr(value, 17))


rdp_cases = [
    (0.005, 1.2, 2.5), (0.2, 0.6, 1.5), (0.2, 0.6, 1.1), (0.05, 1.5, 10.9), (0.5, 1.0, 1.3), (0.5, 2.0, 3.7), (0.9, 1.0, 2.2), (0.01, 0.3, 1.7),
    (0.01, 0.3, 4.5), (1e-6, 1.0, 2.5), (1e-6, 0.5, 17.25), (0.001, 10.0, 40.5), (0.02, 1000.0, 5.5), (0.3, 0.8, 64.0), (0.005, 1.2, 14.0),
    (0.999, 1.0, 1.9), (0.01, 1.1, 1.01), (1e-6, 1.0, 2.0), (0.1, 0.1, 1 + 1e-9), (0.5, 0.05, 1 + 1e-13), (1e-15, 0.1, 1.1), (1e-17, 0.12, 20.5),
]
whole_order_cases = [(0.5, 1000, 16384), (0.999, 1e4, 32000), (0.01, 200, 16385), (0.3, 1e4, 32768)]
# Far out: losses in the hundreds, and densities beyond the range of doubles.
far_step_cases = [(0.5, 0.05, 600.0), (0.066, 0.132, 262.0), (0.9999, 0.3, 117.0)]
step_cases = [(0.01, 1.0, 0.1), (0.2, 0.6, 1.0), (0.5, 2.0, 0.05), (0.001, 0.5, 0.5), (0.3, 5.0, 0.01), (0.9, 1.0, 2.0)]
golden = {
    "normalLogCdf": [[x, text(log(ncdf(mpf(x))))] for x in (-38, -20, -8, -3, -2.0001, -2, -1.9999, -1, -0.25, 0, 0.5, 1.9999, 2.0001, 4, 8)],
    "rdp": [[q, z, order, text(rdp(q, z, order))] for q, z, order in rdp_cases],
    "wholeOrderRdp": [[q, z, order, text(whole_order_rdp(q, z, order))] for q, z, order in whole_order_cases],
    "laplaceRdp": [[b, order, text(laplace_rdp(b, order))] for b, order in ((0.5, 1.1), (3, 2), (8, 8.8), (0.1, 1.0009765625), (1000, 32), (0.5, 1024))],
    "gaussianDelta": [[z, e, text(gaussian_delta(z, e))] for z, e in ((1, 0.5), (1, 2), (0.3, 20), (5, 0.1), (1000, 0.001), (2, 8), (0.05, 150))],
    "gaussianEpsilon": [
        [z, d, text(gaussian_epsilon(z, d))]
        for z, d in (
            (1, 1e-5), (175, 2.8e-19), (0.94, 1e-68), (2782, 4e-167), (1.4e7, 1e-222), (7.8e11, 2e-161), (1e14, 1e-300), (0.0027, 1.6e-283), (1e-4, 1e-5),
            (1e-12, 1e-5), (0.8, 0.4), (3, 0.1), (0.01, 0.999),
        )
    ],
    "farGaussianDelta": [[z, e, text(gaussian_delta(z, e))] for z, e in ((1, 34), (20, 1.6), (0.05, 850))],
    "farStepDelta": [
        [q, z, e, text(max(subsampled_delta(q, z, e, "remove"), subsampled_delta(q, z, e, "add")))] for q, z, e in far_step_cases
    ],
    "binomialTail": [[n, p, k, text(binomial_tail(n, p, k))] for n, p, k in ((999, 0.05, 64), (9999999, 0.01, 100100), (99999999, 0.5, 50010000), (999999, 0.001, 2000))],
    "stepDelta": [
        [q, z, e, text(subsampled_delta(q, z, e, "remove")), text(subsampled_delta(q, z, e, "add"))] for q, z, e in step_cases
    ],
    "twoStepsDeltaRemove": [[q, z, e, text(two_steps_delta(q, z, e))] for q, z, e in ((0.1, 1.0, 0.5), (0.3, 0.8, 1.5), (0.02, 1.5, 0.05))],
    "responseDelta": [
        [e0, d0, k, e, text(response_delta(e0, d0, k, e))]
        for e0, d0, k, e in ((0.2, 1e-9, 30, 4.5), (1.0, 0.0, 5, 3.3), (0.05, 1e-6, 200, 1.0), (0.5, 0.0, 1, 0.2), (0.001, 0.0, 200000, 2.0))
    ],
    "discreteGaussianDelta": [[s, e, text(discrete_gaussian_delta(s, e))] for s, e in ((1, 4.43023805528), (0.5, 3.0), (4, 0.5))],
}
path = pathlib.Path(__file__).resolve().parents[2] / "tests/DifferentialPrivacy.Tests/Accounting/golden.json"
lines = ["{"]
for i, (name, rows) in enumerate(golden.items()):
    lines.append(f'  "{name}": [')
    lines += ["    " + json.dumps(row) + ("," if j + 1 < len(rows) else "") for j, row in enumerate(rows)]
    lines.append("  ]" + ("," if i + 1 < len(golden) else ""))
lines.append("}")
path.write_text("\n".join(lines) + "\n")
