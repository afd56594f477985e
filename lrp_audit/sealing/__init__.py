"""What makes a batch tamper-evident: its folder's names, leaves, Merkle tree, manifest and proofs. Knows no model."""
