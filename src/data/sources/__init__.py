"""Where rows come from: one module per kind of source, all staging into one DuckDB workspace."""
