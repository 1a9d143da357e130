package remediate

import "fmt"

// Autonomy is how far a playbook, a target or the whole agent may go alone. What
// may be done is the least of all that have a say.
type Autonomy int

// The levels. The zero Autonomy is Unset: it has no say.
const (
	Unset     Autonomy = iota
	WatchOnly          // say what would have been done
	Approve            // plan, and wait for a person's yes
	Act                // act
)

var autonomyNames = [...]string{Unset: "", WatchOnly: "observe", Approve: "approve", Act: "act"}

func (a Autonomy) String() string { return autonomyNames[a] }

// MarshalText writes observe, approve or act.
func (a Autonomy) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText writes; any other text is an error.
func (a *Autonomy) UnmarshalText(text []byte) error {
	for i, name := range autonomyNames {
		if name == string(text) {
			*a = Autonomy(i)
			return nil
		}
	}
	return fmt.Errorf("cannot read autonomy %q: expected observe, approve or act", text)
}

// Least is the lowest of the levels that have a say; Unset when none has.
func Least(levels ...Autonomy) Autonomy {
	least := Unset
	for _, a := range levels {
		if a != Unset && (least == Unset || a < least) {
			least = a
		}
	}
	return least
}
