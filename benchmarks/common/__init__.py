"""What several benchmarks use: networks trained and compiled once, frames kept in memory."""
