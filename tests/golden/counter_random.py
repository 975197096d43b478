"""The generator of src/saithe/core/random.h in NumPy, for scripts that must draw what saithe draws.

    python counter_random.py        checks this file, and prints the values of counter_random_test.cpp

Every number is a function of seed, stream and index. Streams are those of random.h.
"""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FACTOR_1 = np.uint64(0xBF58476D1CE4E5B9)
FACTOR_2 = np.uint64(0x94D049BB133111EB)

STREAM_SPLIT = 1
STREAM_INITIAL_WEIGHTS = 100
STREAM_MINIBATCH_ORDER = 1000
STREAM_DROPOUT = 1000000


def mix(z):
    """SplitMix64's output function, of an array of uint64."""
    z = np.asarray(z, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * FACTOR_1
        z = (z ^ (z >> np.uint64(27))) * FACTOR_2
    return z ^ (z >> np.uint64(31))


class CounterRandom:
    """A seeded stream of numbers addressed by index."""

    def __init__(self, seed, stream):
        with np.errstate(over="ignore"):
            step = np.array([stream + 1], dtype=np.uint64) * GOLDEN
            self.key = mix(mix(np.array([seed], dtype=np.uint64) + GOLDEN) + step)

    def bits(self, index):
        """64 random bits at each index."""
        with np.errstate(over="ignore"):
            return mix(self.key + (np.asarray(index).astype(np.uint64) + np.uint64(1)) * GOLDEN)

    def uniform(self, index):
        """Uniform in [0, 1), 53 bits."""
        return (self.bits(index) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def uniform_float(self, index):
        """Uniform in [0, 1), 24 bits, as float32."""
        return (self.bits(index) >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)

    def below(self, index, n):
        """Uniform among 0 .. n-1 by multiply-shift; index and n are single integers."""
        return (int(self.bits([index])[0]) * n) >> 64

    def shuffle(self, values):
        """Fisher-Yates; gives a new array."""
        values = np.array(values)
        drawn = self.bits(np.arange(len(values)))
        for i in range(len(values) - 1, 0, -1):
            j = (int(drawn[i]) * (i + 1)) >> 64
            values[i], values[j] = values[j], values[i]
        return values


def initial_parameters(sizes, seed):
    """[(weight (outputs, inputs), bias (outputs)), ...] as float32, what initial_parameters() of
    nn/mlp.h draws; sizes = [inputs, hidden ..., outputs]."""
    layers = []
    for layer, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:])):
        random = CounterRandom(seed, STREAM_INITIAL_WEIGHTS + layer)
        u = random.uniform_float(np.arange(n_in * n_out + n_out)).astype(np.float64)
        values = ((2.0 * u - 1.0) * (1.0 / np.sqrt(float(n_in)))).astype(np.float32)
        layers.append((values[: n_in * n_out].reshape(n_out, n_in), values[n_in * n_out :]))
    return layers


def minibatches(cells, size, seed, epoch):
    """The minibatches of an epoch, as Minibatches::shuffled gives them."""
    order = CounterRandom(seed, STREAM_MINIBATCH_ORDER + epoch).shuffle(cells)
    return [order[i : i + size] for i in range(0, len(order), size)]


def dropout_mask(seed, step, layer, n_rows, n_units, rate):
    """What the units of a layer are multiplied with in a step (counted from 1)."""
    random = CounterRandom(seed, STREAM_DROPOUT + step * 64 + layer)
    u = random.uniform_float(np.arange(n_rows * n_units)).astype(np.float64)
    return np.where(u < rate, 0.0, 1.0 / (1.0 - rate)).reshape(n_rows, n_units)


def unmix(z):
    """The inverse of mix, of one Python integer."""
    mask = 2**64 - 1

    def unshift(value, n):
        result = value
        while (result ^ (result >> n)) & mask != value:
            result = value ^ (result >> n)
        return result

    z = unshift(z, 31)
    z = unshift(z * pow(int(FACTOR_2), -1, 2**64) & mask, 27)
    return unshift(z * pow(int(FACTOR_1), -1, 2**64) & mask, 30)


# The first outputs of SplitMix64 from the state 1234567, as published with many implementations.
PUBLISHED_STATE = 1234567
PUBLISHED = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
             16408922859458223821]


def main():
    mask, golden = 2**64 - 1, int(GOLDEN)
    seed = (unmix((unmix(PUBLISHED_STATE) - golden) & mask) - golden) & mask
    random = CounterRandom(seed, 0)
    assert int(random.key[0]) == PUBLISHED_STATE
    assert [int(b) for b in random.bits(np.arange(5))] == PUBLISHED
    print(f"seed whose stream 0 is SplitMix64 from {PUBLISHED_STATE}: {seed}")
    random = CounterRandom(7, 1003)
    print("bits:         ", [int(b) for b in random.bits(np.array([0, 1, 2**40]))])
    print("uniform:      ", [repr(float(u)) for u in random.uniform(np.arange(3))])
    print("uniform_float:", [repr(float(u)) for u in random.uniform_float(np.arange(3))])
    print("below 1000:   ", [random.below(i, 1000) for i in range(8)])
    print("shuffle of 12:", [int(v) for v in random.shuffle(np.arange(12))])
    weight, bias = initial_parameters([9, 4, 2], 7)[1]
    print("weights:      ", [repr(float(w)) for w in weight[1]], [repr(float(b)) for b in bias])
    mask = dropout_mask(7, 3, 1, 3, 4, 0.2)
    print("dropped:      ", [int(i) for i in np.flatnonzero(mask == 0)])


if __name__ == "__main__":
    main()
