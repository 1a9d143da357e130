package guard

import "nightshift/remediate"

// dependants stops a step that would take along more by now than its plan says, or of
// which that can't be told. What has not begun is planned anew; what has is half done,
// and not to be made more of than somebody looked at.
func dependants(f Facts) (remediate.Verdict, bool) {
	switch {
	case f.TakesUnread != "":
		return f.soon(say(ReasonTakesUnread, "%s", f.TakesUnread)), true
	case len(f.Unplanned) == 0:
		return remediate.Verdict{}, false
	case f.Begun || f.Climbing:
		return say(ReasonTakesMore, "it would take along %s, which its plan does not say", f.Unplanned[0].Name), true
	}
	return f.soon(say(ReasonTakesChanged, "it would take along %s by now: it is planned anew", f.Unplanned[0].Name)), true
}

// taken says for people with what a thing would only be taken along.
func (t Touched) taken() string {
	if t.With.IsZero() {
		return ""
	}
	return ", which " + t.With.Name + " would take along,"
}
