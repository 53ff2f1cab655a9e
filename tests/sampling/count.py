"""What the search for modes needs of a progress bar."""


class Count:
    """Progress that only counts."""

    def __init__(self, total):
        self.units, self.total = 0, total

    def advance(self, units, note=None):
        self.units += units

    def expect(self, units):
        self.total += units
