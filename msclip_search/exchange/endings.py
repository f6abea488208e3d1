"""How files of vectors are called: what an export writes, and an import knows."""

TABLES = (".parquet", ".geoparquet")
ARRAY = ".npy"
