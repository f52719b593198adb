"""Agreement of cine predictions with paired DENSE, person by person: statistics, tables and a one-page report."""
