//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Enabled tells whether this binary was built to be killed.
const Enabled = true

// Variable is the environment variable that names the place.
const Variable = "NIGHTSHIFT_FAILPOINT"

// armed is the place that this process dies at: read once, so that a place
// costs a comparison.
var armed = arm(os.Getenv(Variable))

// place is one place with the hits that are left until it kills.
type place struct {
	name string
	left atomic.Int64
}

// Here marks a place, and does not return when it is the one to die at. A name
// that the list does not hold is a mistake of ours: it panics.
func Here(name string) {
	if !slices.Contains(names, name) {
		panic(fmt.Sprintf("failpoint %q is not in the list of failpoints", name))
	}
	if armed.name == name && armed.left.Add(-1) == 0 {
		die()
	}
}

// arm reads NAME or NAME:NTH; no text arms nothing.
func arm(text string) *place {
	name, nth, counted := strings.Cut(text, ":")
	hit := int64(1)
	if counted {
		n, err := strconv.ParseInt(nth, 10, 64)
		if err != nil || n < 1 {
			panic(fmt.Sprintf("cannot read %s=%q: expected NAME or NAME:NTH with NTH from 1", Variable, text))
		}
		hit = n
	}
	if name != "" && !slices.Contains(names, name) {
		panic(fmt.Sprintf("cannot read %s=%q: expected one of %s", Variable, text, strings.Join(names, ", ")))
	}
	armed := &place{name: name}
	armed.left.Store(hit)
	return armed
}

// die is a power cut as far as this process can make one: no deferred function
// runs, nothing is flushed. The signal is delivered before the call returns to
// this thread; the loop keeps the others of a slow delivery from going on here.
func die() {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
