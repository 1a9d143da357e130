package agent

import (
	"errors"
	"testing"
)

func TestWhatIsWrongIsToldOncePerChange(t *testing.T) {
	full, gone := errors.New("the disk is full"), errors.New("it is gone")
	told := changes{}
	for n, c := range []struct {
		vm   string
		err  error
		news bool
	}{
		{"rave", nil, false}, {"rave", full, true}, {"rave", full, false}, {"other", full, true},
		{"rave", gone, true}, {"rave", nil, false}, {"rave", gone, true},
	} {
		if told.news(c.vm, c.err) != c.news {
			t.Errorf("%d: %s, %v: want it told: %t", n, c.vm, c.err, c.news)
		}
	}
}
