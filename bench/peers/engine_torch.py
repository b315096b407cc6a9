#!/usr/bin/python3
"""The work that `engine` measures, done by PyTorch: a matrix product, a training step, an epoch, evaluations. One thread."""

import statistics
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("python3-torch is not installed.")

BATCH, PIXELS, HIDDEN, CLASSES, STEPS = 32, 784, 128, 10, 20


def best_median(work, warm_ups, repetitions, medians=7):
    """Seconds a call: the best of several medians, as the program that calls this one takes it."""
    for _ in range(warm_ups):
        work()
    best = float("inf")
    for _ in range(medians):
        times = []
        for _ in range(repetitions):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        best = min(best, statistics.median(times))
    return best


def mlp():
    return torch.nn.Sequential(torch.nn.Linear(PIXELS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES))


def cnn():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 5, stride=2, padding=2), torch.nn.ReLU(),
        torch.nn.Conv2d(8, 16, 5, stride=2, padding=2), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(16 * 7 * 7, CLASSES))


def epoch(model, x, y):
    """A pass over the examples in a fresh order, in batches, with plain SGD."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    order = torch.randperm(len(x))

    def work():
        for start in range(0, len(x), BATCH):
            batch = order[start : start + BATCH]
            optimizer.zero_grad(set_to_none=False)
            torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()

    return work


def evaluation(model, x, y):
    def work():
        with torch.no_grad():
            for start in range(0, len(x), 64):
                outputs = model(x[start : start + 64])
                torch.nn.functional.cross_entropy(outputs, y[start : start + 64])
                (outputs.argmax(1) == y[start : start + 64]).sum().item()

    return work


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    a, b = torch.rand(BATCH, PIXELS) - 0.5, torch.rand(HIDDEN, PIXELS) - 0.5
    images = lambda count: (torch.rand(count, PIXELS) - 0.5, torch.arange(count) % CLASSES)
    version = torch.__version__
    blas = "MKL" if torch.backends.mkl.is_available() else "the system's BLAS"
    print(f"PyTorch {version} ({blas}), one thread:")
    product = best_median(lambda: a @ b.T, 200, 101, 15)
    print(f"  matrix product 32 × 128 × 784: {product * 1e6:.1f} µs, {2 * BATCH * PIXELS * HIDDEN / product / 1e9:.1f} GFLOP/s")
    step = best_median(epoch(mlp(), *images(BATCH * STEPS)), 20, 21, 15) / STEPS
    print(f"  training step, mlp 784-128-10, batch {BATCH}: {step * 1e6:.0f} µs")
    x, y = images(600)
    seconds = best_median(epoch(cnn(), x.reshape(-1, 1, 28, 28), y), 5, 5)
    print(f"  cnn, epoch over 600 images: {seconds * 1e3:.1f} ms, {600 / seconds:.0f} images/s")
    x, y = images(1000)
    for name, model, inputs in ("mlp 784-128-10", mlp(), x), ("cnn", cnn(), x.reshape(-1, 1, 28, 28)):
        seconds = best_median(evaluation(model, inputs, y), 10, 5)
        print(f"  evaluation, {name}, 1,000 images: {seconds * 1e3:.1f} ms, {1000 / seconds:.0f} images/s")


if __name__ == "__main__":
    main()
