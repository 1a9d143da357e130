package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/alertmanager/pkg/labels"

	"nightshift/alerts"
)

// Silence mutes the alerts that all of its matchers select, from StartsAt to EndsAt.
// Whoever may reach an Alertmanager may make one in any name: By is a claim.
type Silence struct {
	ID       string // empty for one that is not made yet
	By       string
	Comment  string
	Matchers []Matcher
	StartsAt time.Time
	EndsAt   time.Time
}

// Matcher is one condition of a silence. A label that an alert does not have counts
// as "".
type Matcher struct {
	Name  string
	Value string
	// Regex is whether Value is a regular expression, which has to match the whole
	// label; Not whether the label must not be so.
	Regex, Not bool
}

// Exactly selects the alerts that have all of these labels.
func Exactly(set map[string]string) []Matcher {
	matchers := make([]Matcher, 0, len(set))
	for name, value := range set {
		matchers = append(matchers, Matcher{Name: name, Value: value})
	}
	slices.SortFunc(matchers, func(a, b Matcher) int { return strings.Compare(a.Name, b.Name) })
	return matchers
}

// Selector is what the silence mutes. The error says that a regular expression is
// wrong, which no Alertmanager accepts.
func (s Silence) Selector() (alerts.Matchers, error) { return Selector(s.Matchers) }

// Selector selects what all of the matchers do; no matchers select nothing.
func Selector(matchers []Matcher) (alerts.Matchers, error) {
	exprs := make([]string, len(matchers))
	for n, m := range matchers {
		l, err := labels.NewMatcher(m.kind(), m.Name, m.Value)
		if err != nil {
			return alerts.Matchers{}, fmt.Errorf("cannot read a matcher of a silence for the label %+q: its regular expression is wrong", m.Name)
		}
		exprs[n] = l.String()
	}
	return alerts.ParseMatchers(exprs)
}

func (m Matcher) kind() labels.MatchType {
	switch {
	case m.Regex && m.Not:
		return labels.MatchNotRegexp
	case m.Regex:
		return labels.MatchRegexp
	case m.Not:
		return labels.MatchNotEqual
	}
	return labels.MatchEqual
}

// SameMatchers reports whether two silences mute the same.
func SameMatchers(a, b []Matcher) bool {
	if len(a) != len(b) {
		return false
	}
	for _, m := range a {
		if !slices.Contains(b, m) {
			return false
		}
	}
	return true
}

// Silences are those that hold there now.
func (c *Client) Silences(ctx context.Context) ([]Silence, error) {
	var active []Silence
	err := c.ask(ctx, question{does: "read the silences of", method: http.MethodGet, path: []string{"silences"}}, func(body io.Reader) error {
		return list(body, func(w wire) bool {
			if w.Status.State == "active" && idForm.MatchString(w.ID) {
				active = append(active, w.silence())
			}
			return len(active) <= MaxKnown
		})
	})
	return active, err
}

// Silence makes a silence and returns its ID. One that has an ID is renewed: it keeps
// that where nothing but its end and its comment changed, else it is replaced.
func (c *Client) Silence(ctx context.Context, s Silence) (id string, err error) {
	if len(s.Matchers) == 0 {
		return "", errors.New("cannot make a silence without a matcher: it would mute everything")
	}
	var made struct {
		ID string `json:"silenceID"`
	}
	err = c.ask(ctx, question{
		does: "make a silence in", method: http.MethodPost, path: []string{"silences"}, body: wireOf(s),
	}, func(body io.Reader) error { return notOurs(json.UnmarshalRead(body, &made)) })
	return made.ID, err
}

// Expire ends a silence now. It is an error for one that is over in old versions, so
// only what holds is ended.
func (c *Client) Expire(ctx context.Context, id string) error {
	if !idForm.MatchString(id) {
		return errors.New("cannot end a silence of an Alertmanager: its ID is no ID")
	}
	return c.ask(ctx, question{does: "end a silence of", method: http.MethodDelete, path: []string{"silence", id}}, nothing)
}

// idForm is what the ID of a silence looks like: it becomes a part of a URL.
var idForm = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// wire is a silence as the API writes it.
type wire struct {
	ID     string `json:"id,omitempty"`
	Status struct {
		State string `json:"state"` // active, pending or expired
	} `json:"status,omitzero"`
	CreatedBy string        `json:"createdBy"`
	Comment   string        `json:"comment"`
	Matchers  []wireMatcher `json:"matchers"`
	StartsAt  time.Time     `json:"startsAt"`
	EndsAt    time.Time     `json:"endsAt"`
}

type wireMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	// IsEqual is not there before 0.22, and then it is.
	IsEqual *bool `json:"isEqual"`
}

func (w wire) silence() Silence {
	s := Silence{ID: w.ID, By: w.CreatedBy, Comment: w.Comment, StartsAt: w.StartsAt.UTC(), EndsAt: w.EndsAt.UTC()}
	for _, m := range w.Matchers {
		s.Matchers = append(s.Matchers, Matcher{Name: m.Name, Value: m.Value, Regex: m.IsRegex, Not: m.IsEqual != nil && !*m.IsEqual})
	}
	return s
}

func wireOf(s Silence) wire {
	w := wire{ID: s.ID, CreatedBy: s.By, Comment: s.Comment, StartsAt: s.StartsAt.UTC(), EndsAt: s.EndsAt.UTC()}
	for _, m := range s.Matchers {
		w.Matchers = append(w.Matchers, wireMatcher{Name: m.Name, Value: m.Value, IsRegex: m.Regex, IsEqual: new(!m.Not)})
	}
	return w
}
