//go:build !failpoints

package failpoint

// Enabled tells whether this binary was built to be killed.
const Enabled = false

// Here marks a place. In this build it does nothing.
func Here(string) {}
