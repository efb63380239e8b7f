//! Seeds that failed once, each with the reason that was found. `make fire-again` runs them all.
