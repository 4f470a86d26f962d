"""Proofs that nothing is lost: faults at every boundary, and at random."""
