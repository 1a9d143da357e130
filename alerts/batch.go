package alerts

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// BatchSchema is the version of the stored form. A change that an older program
// would misread takes the next number; DecodeBatch reads all from 1 on.
const BatchSchema = 1

// Batch builds one stored message: the notifications that waited while the
// message before was being written, as compact JSON,
//
//	{"schema":1,"notifications":[{"receiver":…,"receivedAt":…,"alerts":[…]},…]}
//
// The zero value is an empty batch. It is not safe for concurrent use.
type Batch struct {
	buf   []byte
	count int
}

// Add appends a notification that AppendNotification encoded.
func (b *Batch) Add(encoded []byte) {
	if b.count == 0 {
		b.buf = append(b.buf[:0], `{"schema":`...)
		b.buf = strconv.AppendInt(b.buf, BatchSchema, 10)
		b.buf = append(b.buf, `,"notifications":[`...)
	} else {
		b.buf = append(b.buf, ',')
	}
	b.buf = append(b.buf, encoded...)
	b.count++
}

// Len is the number of notifications in the batch.
func (b *Batch) Len() int { return b.count }

// Cap is the memory that the batch holds, in bytes.
func (b *Batch) Cap() int { return cap(b.buf) }

// SizeWith is how long the message would be, in bytes, with one more encoded
// notification of that length.
func (b *Batch) SizeWith(encoded int) int {
	if b.count == 0 {
		return len(`{"schema":1,"notifications":[]}`) + encoded
	}
	return len(b.buf) + len(`,`) + encoded + len(`]}`)
}

// Message ends the batch and returns it, nil if nothing was added. The next Add
// begins a new one in the same memory.
func (b *Batch) Message() []byte {
	if b.count == 0 {
		return nil
	}
	b.count = 0
	b.buf = append(b.buf, `]}`...)
	return b.buf
}

// EncodeBatch is the stored form of notifications, each alert Bounded. The
// error names what can't be stored: text that is not UTF-8, a time outside the
// years 1 to 9999. Nothing that Decode returns has that.
func EncodeBatch(notifications []Notification) ([]byte, error) {
	var b Batch
	var encoded []byte
	for i, n := range notifications {
		var err error
		if encoded, err = AppendNotification(encoded[:0], n); err != nil {
			return nil, fmt.Errorf("cannot encode notification %d: %w", i, err)
		}
		b.Add(encoded)
	}
	return b.Message(), nil
}

// DecodeBatch reads what EncodeBatch or Batch wrote; nothing else is accepted:
// a message that is damaged or of a later schema is an error as a whole. Its
// strings are copies.
func DecodeBatch(message []byte) ([]Notification, error) {
	var s stored
	if err := json.Unmarshal(message, &s); err != nil {
		return nil, fmt.Errorf("cannot decode stored alerts: %w", explain(err))
	}
	if s.schema != BatchSchema {
		return nil, fmt.Errorf("cannot decode stored alerts: schema %d, this program reads %d", s.schema, BatchSchema)
	}
	for i := range s.notifications {
		if err := s.notifications[i].checkStored(); err != nil {
			return nil, fmt.Errorf("cannot accept stored alerts: notifications[%d]: %w", i, err)
		}
	}
	return s.notifications, nil
}

// stored is the JSON of a batch.
type stored struct {
	schema        int
	notifications []Notification
}

// UnmarshalJSONFrom reads what Batch wrote.
func (s *stored) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	r := reader{dec: dec}
	return r.object(func(name string) (err error) {
		switch name {
		case "schema":
			s.schema, err = r.count()
		case "notifications":
			err = r.array(func() error { return s.addNotification(r) })
		default:
			err = dec.SkipValue()
		}
		return err
	})
}

func (s *stored) addNotification(r reader) error {
	var n Notification
	err := r.object(func(name string) (err error) {
		switch name {
		case "receiver":
			n.Receiver, err = r.string()
		case "groupKey":
			n.GroupKey, err = r.string()
		case "receivedAt":
			n.ReceivedAt, err = r.time()
		case "truncated":
			n.Truncated, err = r.count()
		case "alerts":
			err = r.array(func() error { return n.addStored(r) })
		default:
			err = r.dec.SkipValue()
		}
		return err
	})
	s.notifications = append(s.notifications, n)
	return err
}

func (n *Notification) addStored(r reader) error {
	var a Alert
	err := r.object(func(name string) (err error) {
		switch name {
		case "fingerprint":
			var digits string
			digits, err = r.string()
			a.Fingerprint = Fingerprint(digits)
		case "truncated":
			a.Truncated, err = r.bool()
		default:
			err = r.alertField(&a, name)
		}
		return err
	})
	n.Alerts = append(n.Alerts, a)
	return err
}

var fingerprintForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

func (n *Notification) checkStored() error {
	if n.ReceivedAt.IsZero() {
		return errors.New(`"receivedAt" is missing`)
	}
	for i, a := range n.Alerts {
		if !fingerprintForm.MatchString(string(a.Fingerprint)) {
			return fmt.Errorf(`alerts[%d]: "fingerprint" is not 16 hex digits`, i)
		}
	}
	return n.checkAlerts()
}
