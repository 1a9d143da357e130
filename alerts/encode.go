package alerts

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendNotification appends the stored form of one notification to dst, each
// alert Bounded; Batch.Add takes it. The same notification always gives the
// same bytes.
func AppendNotification(dst []byte, n Notification) ([]byte, error) {
	w := writer{buf: append(dst, '{')}
	w.field(`"receiver":`, cut(n.Receiver))
	w.field(`"groupKey":`, cut(n.GroupKey))
	w.time(`"receivedAt":`, n.ReceivedAt)
	if n.Truncated > 0 {
		w.name(`"truncated":`)
		w.buf = strconv.AppendInt(w.buf, int64(n.Truncated), 10)
	}
	w.name(`"alerts":`)
	w.buf = append(w.buf, '[')
	for i, a := range n.Alerts {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.alert(a.Bounded())
	}
	w.buf = append(w.buf, "]}"...)
	return w.buf, w.err
}

// writer appends JSON; the first error stays.
type writer struct {
	buf []byte
	err error
}

func (w *writer) alert(a Alert) {
	w.buf = append(w.buf, '{')
	w.field(`"status":`, string(a.Status))
	w.strings(`"labels":`, a.Labels)
	w.strings(`"annotations":`, a.Annotations)
	w.time(`"startsAt":`, a.StartsAt)
	w.time(`"endsAt":`, a.EndsAt)
	w.field(`"generatorURL":`, a.GeneratorURL)
	w.field(`"fingerprint":`, string(a.Fingerprint))
	if a.Truncated {
		w.name(`"truncated":`)
		w.buf = append(w.buf, "true"...)
	}
	w.buf = append(w.buf, '}')
}

// name appends a name that needs no escaping, with its quotes and colon.
func (w *writer) name(quoted string) {
	if last := w.buf[len(w.buf)-1]; last != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, quoted...)
}

func (w *writer) string(s string) {
	var err error
	if w.buf, err = jsontext.AppendQuote(w.buf, s); err != nil && w.err == nil {
		w.err = fmt.Errorf("%s is not valid UTF-8", quote(s))
	}
}

// field appends a name and its string, nothing if that is empty.
func (w *writer) field(name, s string) {
	if s != "" {
		w.name(name)
		w.string(s)
	}
}

// strings appends a name and an object of strings in order, nothing if there
// are none.
func (w *writer) strings(name string, all map[string]string) {
	if len(all) == 0 {
		return
	}
	w.name(name)
	w.buf = append(w.buf, '{')
	var few [MaxLabels]string
	for i, key := range sortedNames(few[:0], all) {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.string(key)
		w.buf = append(w.buf, ':')
		w.string(all[key])
	}
	w.buf = append(w.buf, '}')
}

// time appends a name and a time, nothing if that is zero.
func (w *writer) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	t = t.UTC()
	if (t.Year() < 1 || t.Year() > 9999) && w.err == nil {
		w.err = fmt.Errorf("the year %d is not of 1 to 9999", t.Year())
	}
	w.name(name)
	w.buf = append(w.buf, '"')
	w.buf = t.AppendFormat(w.buf, time.RFC3339Nano)
	w.buf = append(w.buf, '"')
}

// sortedNames appends the names of labels to names, in order.
func sortedNames(names []string, labels map[string]string) []string {
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
