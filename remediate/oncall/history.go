package oncall

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
)

// History reads the log.
type History interface {
	// Events calls f with each event in order: of one incident, or of all if id
	// is empty; not before since, if that is set.
	Events(ctx context.Context, id remediate.ID, since time.Time, f func(remediate.Event) error) error
	// Stored calls f with each event as it is stored, those of the host among
	// them, until f returns false.
	Stored(ctx context.Context, id remediate.ID, since time.Time, f func(StoredEvent) bool) error
	// Evidence is the text that was kept under a digest.
	Evidence(ctx context.Context, digest string) (string, error)
}

// Incidents folds the log into the incidents that the filter chooses, the newest
// first.
func Incidents(ctx context.Context, h History, filter Filter) ([]Summary, error) {
	folded := map[remediate.ID]*remediate.Incident{}
	err := h.Events(ctx, "", filter.Since, func(e remediate.Event) error {
		if e.Incident == "" {
			return nil
		}
		i := folded[e.Incident]
		if i == nil {
			if e.Opened == nil {
				return nil
			}
			i = &remediate.Incident{}
			folded[e.Incident] = i
		}
		return i.Apply(e)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the incidents: %w", err)
	}
	return filter.choose(folded), nil
}

// choose sorts and filters.
func (f Filter) choose(incidents map[remediate.ID]*remediate.Incident) []Summary {
	var chosen []Summary
	for _, i := range incidents {
		if f.wants(i) {
			chosen = append(chosen, Summarise(i))
		}
	}
	slices.SortFunc(chosen, func(a, b Summary) int {
		return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(a.ID, b.ID))
	})
	return chosen[:min(len(chosen), cmp.Or(f.Limit, DefaultLimit))]
}

func (f Filter) wants(i *remediate.Incident) bool {
	switch {
	case f.Open && !i.State.Live():
		return false
	case f.Target != "" && f.Target != i.Target.String() && f.Target != i.Target.Name:
		return false
	case f.Outcome != "" && f.Outcome != string(i.State):
		return false
	case f.Playbook != "" && f.Playbook != i.Playbook.Name:
		return false
	}
	return true
}

// Tell is the story of the one incident whose ID begins so.
func Tell(ctx context.Context, h History, q IncidentQuery) (Story, error) {
	id, err := resolve(ctx, h, q.Incident)
	if err != nil {
		return Story{}, err
	}
	var story Story
	err = h.Events(ctx, id, time.Time{}, func(e remediate.Event) error {
		story.Entries = append(story.Entries, Entry{e.Type, e.At, e})
		return story.Incident.Apply(e)
	})
	if err != nil {
		return Story{}, fmt.Errorf("cannot read incident %s: %w", id, err)
	}
	if len(story.Entries) == 0 {
		return Story{}, fmt.Errorf("cannot find incident %s: %w", id, ErrNoIncident)
	}
	if q.Evidence {
		story.unfold(ctx, h)
	}
	return story, nil
}

// Page reads the page of stored events that q asks for.
func Page(ctx context.Context, h History, q EventsQuery) (EventsPage, error) {
	var id remediate.ID
	if q.Incident != "" {
		var err error
		if id, err = resolve(ctx, h, q.Incident); err != nil {
			return EventsPage{}, err
		}
	}
	var page EventsPage
	bytes := 0
	last := q
	err := h.Stored(ctx, id, q.Since, func(e StoredEvent) bool {
		if e.N <= q.After {
			return true
		}
		if len(page.Events) == PageEvents || bytes+len(e.Raw) > pageBytes && len(page.Events) > 0 {
			page.Next = &last
			return false
		}
		page.Events = append(page.Events, e.Raw)
		bytes += len(e.Raw)
		last.Since, last.After = e.At, e.N
		return true
	})
	if err != nil {
		return EventsPage{}, fmt.Errorf("cannot read the events: %w", err)
	}
	return page, nil
}

// resolve finds the one incident whose ID begins so.
func resolve(ctx context.Context, h History, prefix string) (remediate.ID, error) {
	start, err := remediate.ParseIDPrefix(prefix)
	if err != nil {
		return "", err
	}
	if len(start) == remediate.IDLength {
		return remediate.ID(start), nil
	}
	var found []remediate.ID
	err = h.Events(ctx, "", time.Time{}, func(e remediate.Event) error {
		if e.Opened != nil && strings.HasPrefix(string(e.Incident), start) {
			found = append(found, e.Incident)
		}
		return nil
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot look for incident %s: %w", start, err)
	case len(found) == 0:
		return "", fmt.Errorf("cannot find incident %s: %w", start, ErrNoIncident)
	case len(found) > 1:
		return "", fmt.Errorf("cannot tell which incident %s is: it begins %s and others", start, found[0])
	}
	return found[0], nil
}

// unfold puts the whole text in the place of evidence that was kept apart.
func (s *Story) unfold(ctx context.Context, h History) {
	for n := range s.Entries {
		gathered := s.Entries[n].Event.Gathered
		if gathered == nil {
			continue
		}
		for k := range gathered.Evidence {
			e := &gathered.Evidence[k]
			if e.Digest == "" {
				continue
			}
			text, err := h.Evidence(ctx, e.Digest)
			if err != nil {
				e.Error = err.Error()
				continue
			}
			e.Text = text
		}
	}
}
