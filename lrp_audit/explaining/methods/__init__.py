"""Attribution by other methods than LRP, for cross-checks and for users bound to one of them; the same interface."""
