"""Work shared by several machines over PostgreSQL: one scheduler (`rapport run`), any number of `rapport worker`."""
