package journal

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// serverLog hands the server's lines to slog. Its notices are of no interest to
// anybody who runs the agent; a fatal error must not end the process.
type serverLog struct {
	log *slog.Logger
	// fatal is the last fatal line: why a server did not start.
	fatal atomic.Pointer[string]
}

func (l *serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Tracef(string, ...any)           {}
func (l *serverLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l *serverLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }

func (l *serverLog) Fatalf(format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	l.fatal.Store(&line)
	l.log.Error(line)
}

// why is the last fatal line, or otherwise.
func (l *serverLog) why(otherwise string) string {
	if line := l.fatal.Load(); line != nil {
		return *line
	}
	return otherwise
}
