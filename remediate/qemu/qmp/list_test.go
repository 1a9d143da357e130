package qmp

import (
	"errors"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/remediate/qemu/qmp/qmptest"
)

func TestTheListIsThatOfTheDocumentation(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile(`(?m)^//\t(\S+)  `).FindAllSubmatch(doc, -1) {
		documented = append(documented, string(row[1]))
	}
	if diff := cmp.Diff(documented, Listed()); diff != "" {
		t.Errorf("what doc.go promises (-) and what can be sent (+) differ:\n%s", diff)
	}
}

func TestWhatIsNotListedIsNotSent(t *testing.T) {
	var heard []string
	server := qmptest.Serve(t, func(s *qmptest.Session) {
		s.Greet()
		for c, ok := s.Next(); ok; c, ok = s.Next() {
			heard = append(heard, c.Execute)
			s.Return(c, struct{}{})
		}
	})
	c := client(t, server.Socket)
	for _, line := range []string{
		`{"execute":"human-monitor-command","arguments":{"command-line":"quit"}}`,
		`{"execute":"stop"}`,
		`{"execute":"device_del","arguments":{"id":"x"}}`,
		`{"execute":"QUIT"}`,
		`{"exec-oob":"quit"}`,
		`{"execute":"query-status","execute":"stop"}`,
		`{"execute":"query-status"}{"execute":"stop"}`,
		`{"execute":"transaction"}`,
		`{"execute":"transaction","arguments":{"actions":[{"type":"drive-backup","data":{}}]}}`,
		`{"execute":"transaction","arguments":{"actions":[{"type":"drive-backup","type":"blockdev-snapshot"}]}}`,
		`{"execute":"transaction","arguments":{"actions":[{"Type":"blockdev-snapshot","data":{}}]}}`,
		`{"execute":"transaction","arguments":{"actions":[{"type":"abort"}],"Actions":[]}}`,
		`garbage`, ``, `null`, `[]`,
	} {
		if _, err := c.Run([]byte(line)); err == nil {
			t.Errorf("%s was done", line)
		} else if errors.Is(err, ErrInDoubt) {
			t.Errorf("%s was sent: %v", line, err)
		}
	}
	if _, err := c.Run([]byte(`{"execute":"cont"}`)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	server.Close()
	if diff := cmp.Diff([]string{"cont"}, heard); diff != "" {
		t.Errorf("QEMU heard:\n%s", diff)
	}
}
