package world

import (
	"strings"
	"sync"
)

// tailBuffer keeps the last limit bytes written to it, for messages about
// programs that failed.
type tailBuffer struct {
	limit int

	mu   sync.Mutex
	kept []byte
}

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = t.kept[over:]
	}
	return len(p), nil
}

func (t *tailBuffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}
