package alerts

// Scope tells which alerts are about this host: those that any of its entries
// selects. The zero value, like an empty list, holds no alert at all.
type Scope struct {
	entries []Matchers
}

// ParseScope reads the list host.alerts: each entry is an expression,
// instance=~"web-1(:[0-9]+)?" or {instance="web-1",job="node"}. The error joins
// one *ExpressionError for each entry that is wrong.
func ParseScope(entries []string) (Scope, error) {
	if _, err := ParseMatchers(entries); err != nil {
		return Scope{}, err
	}
	var s Scope
	for _, entry := range entries {
		s.entries = append(s.entries, Matching(entry))
	}
	return s, nil
}

// Mine reports whether the alert is about this host.
func (s Scope) Mine(a Alert) bool {
	for _, entry := range s.entries {
		if entry.Matches(a.Labels) {
			return true
		}
	}
	return false
}

// Strings are the entries as expressions that ParseScope reads back.
func (s Scope) Strings() []string {
	exprs := make([]string, len(s.entries))
	for i, entry := range s.entries {
		exprs[i] = entry.String()
	}
	return exprs
}
