"""The rate of false positives at which attacks that say yes or no are told."""

FALSE_POSITIVES = 0.01  # share of wrong pairs, or of non-members, that are accepted
