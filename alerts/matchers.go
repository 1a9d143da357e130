package alerts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
)

// Matchers selects label sets, in Alertmanager's language: alertname="Down",
// severity!="info", instance=~"web-.*", job!~"test|dev". All of them must
// match; a label that is not there counts as "", as in Prometheus. Without any
// matcher nothing is selected: an empty selector never means everything.
//
// The zero value selects nothing and is ready to use.
type Matchers struct {
	all labels.Matchers
}

// ExpressionError says which expression of a list is wrong, and why.
type ExpressionError struct {
	Index int    // in the list, from 0
	Text  string // the expression
	Err   error  // why
}

// Error names the expression and shows what a right one looks like.
func (e *ExpressionError) Error() string {
	return fmt.Sprintf("cannot read matcher %+q: %v; write it like alertname=\"InstanceDown\"", e.Text, e.Err)
}

// Unwrap is the reason alone.
func (e *ExpressionError) Unwrap() error { return e.Err }

// Matching is ParseMatchers for playbooks that are written in Go. It panics on
// an expression that is wrong: the program must not start with it.
func Matching(exprs ...string) Matchers {
	m, err := ParseMatchers(exprs)
	if err != nil {
		panic(err)
	}
	return m
}

// ParseMatchers reads expressions that all have to match. One expression may
// hold several matchers, {a="b",c="d"}. The error joins one *ExpressionError
// for each expression that is wrong.
func ParseMatchers(exprs []string) (Matchers, error) {
	var m Matchers
	var wrong []error
	for i, expr := range exprs {
		parsed, err := parseExpression(expr)
		if err != nil {
			wrong = append(wrong, &ExpressionError{Index: i, Text: expr, Err: err})
			continue
		}
		m.all = append(m.all, parsed...)
	}
	if len(wrong) > 0 {
		return Matchers{}, errors.Join(wrong...)
	}
	return m, nil
}

func parseExpression(expr string) (labels.Matchers, error) {
	if !utf8.ValidString(expr) {
		return nil, errors.New("it is not valid UTF-8") // the parser lets it through unquoted
	}
	parsed, err := parse.Matchers(expr)
	if err != nil {
		return nil, err
	}
	if len(parsed) == 0 {
		return nil, errors.New("it holds no matcher and would select nothing")
	}
	return parsed, nil
}

// Matches reports whether there is a matcher and all of them match.
func (m Matchers) Matches(labels map[string]string) bool {
	for _, matcher := range m.all {
		if !matcher.Matches(labels[matcher.Name]) {
			return false
		}
	}
	return len(m.all) > 0
}

// IsZero reports whether nothing can ever match, for want of a matcher.
func (m Matchers) IsZero() bool { return len(m.all) == 0 }

// Equal reports whether both have the same matchers in the same order.
func (m Matchers) Equal(other Matchers) bool {
	return slices.Equal(m.Strings(), other.Strings())
}

// Strings are the matchers as expressions, one each; ParseMatchers reads them
// back as an equal value.
func (m Matchers) Strings() []string {
	exprs := make([]string, len(m.all))
	for i, matcher := range m.all {
		exprs[i] = matcher.String()
	}
	return exprs
}

// String is one expression, {a="b",c="d"}, for people.
func (m Matchers) String() string { return "{" + strings.Join(m.Strings(), ",") + "}" }

// MarshalYAML writes a list of expressions.
func (m Matchers) MarshalYAML() (any, error) { return m.Strings(), nil }
