package remediate

import (
	"fmt"
	"strings"
)

// Kind says what a [Target] is.
type Kind string

// The kinds of target. A host and a VM contain their units.
const (
	UnitKind Kind = "unit"
	VMKind   Kind = "vm"
	HostKind Kind = "host"
)

// Target is the one thing that an incident is about, or that a step touches:
// unit:grafana.service, vm:rave, host:rave-1. Its name always comes from the
// inventory, never from the text of an alert. The zero Target is no target.
type Target struct {
	Kind Kind
	Name string
}

// Unit is the target of a systemd unit, named in full ("nginx.service").
func Unit(name string) Target { return Target{UnitKind, name} }

// Host is the target of this host.
func Host(name string) Target { return Target{HostKind, name} }

// VM is the target of a virtual machine of the inventory.
func VM(name string) Target { return Target{VMKind, name} }

// IsZero reports whether t is no target at all.
func (t Target) IsZero() bool { return t == Target{} }

func (t Target) String() string {
	if t.IsZero() {
		return ""
	}
	return string(t.Kind) + ":" + t.Name
}

// MarshalText writes a target as kind:name, the empty text for no target.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (t *Target) UnmarshalText(text []byte) error {
	parsed, err := ParseTarget(string(text))
	*t = parsed
	return err
}

// ParseTarget reads kind:name. The empty text is no target; any other text
// without a known kind and a name is an error.
func ParseTarget(text string) (Target, error) {
	if text == "" {
		return Target{}, nil
	}
	kind, name, _ := strings.Cut(text, ":")
	switch k := Kind(kind); k {
	case UnitKind, VMKind, HostKind:
		if name != "" {
			return Target{k, name}, nil
		}
	}
	return Target{}, fmt.Errorf("cannot read target %q: expected unit:NAME, vm:NAME or host:NAME", text)
}

// Contains reports whether what happens to t also happens to other: a target
// contains itself, and a host or a VM contains every unit within it. A log is
// that of one host, so its host contains whatever else is named.
func (t Target) Contains(other Target) bool {
	return t == other || t.Kind == HostKind || t.Kind == VMKind && other.Kind == UnitKind
}

// Overlaps reports whether two acts, one on t and one on other, would meet.
func (t Target) Overlaps(other Target) bool { return t.Contains(other) || other.Contains(t) }
