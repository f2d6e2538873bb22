"""NumPy arrays to Arrow columns and Parquet files, without a Python object per row."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 250_000
DAY = 86_400


def ids(prefix: str, numbers: np.ndarray, width: int = 9) -> pa.Array:
    """Spell numbers as fixed-width identifiers.

    Examples
    --------
    >>> ids("C", np.array([7, 12]), 4).to_pylist()
    ['C0007', 'C0012']
    """
    n, size = len(numbers), width + len(prefix)
    text = np.empty((n, size), np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), np.uint8)
    rest = np.asarray(numbers, np.int64).copy()
    for place in range(size - 1, len(prefix) - 1, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, place] = digit + 48
    offsets = np.arange(0, (n + 1) * size, size, dtype=np.int64 if n * size > 2**31 - 1 else np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(text))


def labels(codes: np.ndarray, names: tuple[str, ...] | list[str] | pa.Array) -> pa.Array:
    """Codes into a list of names; a negative code is missing.

    Examples
    --------
    >>> labels(np.array([1, -1]), ("low", "high")).to_pylist()
    ['high', None]
    """
    index = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(index, names if isinstance(names, pa.Array) else pa.array(names))


def moments(seconds: np.ndarray) -> pa.Array:
    """Seconds since 1970 (negative 2**62 is missing) as microsecond timestamps without zone.

    Examples
    --------
    >>> moments(np.array([86400, NEVER])).to_pylist()
    [datetime.datetime(1970, 1, 2, 0, 0), None]
    """
    seconds = np.asarray(seconds, np.int64)
    missing = seconds == NEVER
    return pa.array(np.where(missing, 0, seconds) * 1_000_000, pa.int64(), mask=missing).cast(pa.timestamp("us"))


NEVER = -(2**62)


def optional(values: np.ndarray, missing: np.ndarray) -> pa.Array:
    """Values with a mask of what is missing."""
    return pa.array(values, mask=missing)


def epoch(day: np.datetime64 | np.ndarray) -> np.ndarray:
    """Seconds since 1970 at which days begin."""
    return np.asarray(day).astype("datetime64[s]").astype(np.int64)


class Files:
    """One Parquet file per table of a folder, appended to chunk by chunk.

    Dictionary columns are stored as plain text, so that readers see strings.
    """

    def __init__(self, folder: Path, plain: tuple[str, ...] = ("transaction_id", "contact_id")) -> None:
        self.folder, self.plain = folder, plain
        self.rows: dict[str, int] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, table: pa.Table) -> None:
        """Append rows to a table."""
        if name not in self._writers:
            words = [f.name for f in table.schema if pa.types.is_dictionary(f.type) or pa.types.is_string(f.type)]
            self._writers[name] = pq.ParquetWriter(
                self.folder / f"{name}.parquet", table.schema, compression="zstd", store_schema=False,
                use_dictionary=[w for w in words if w not in self.plain],
            )  # fmt: skip
        self._writers[name].write_table(table, row_group_size=ROW_GROUP)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


def pick_days(rng: np.random.Generator, cumulative: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Draw a day in ``[first, last)`` for each element, days weighted by the steps of ``cumulative``.

    Parameters
    ----------
    cumulative : ndarray (days + 1,)
        Running sum of the weights of days, from 0.

    Examples
    --------
    >>> weights = np.array([0.0, 0.0, 1.0, 1.0])
    >>> pick_days(np.random.default_rng(0), weights, np.array([0, 0]), np.array([3, 3])).tolist()
    [1, 1]
    """
    low, high = cumulative[first], cumulative[last]
    day = np.searchsorted(cumulative, low + rng.random(len(first)) * (high - low), side="right") - 1
    return np.clip(day, first, last - 1)
