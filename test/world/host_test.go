package world

import (
	"os/exec"
	"strings"
	"testing"
)

func TestAHostWithoutDebiansToolsIsToldWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := prepareHost(t.Context(), t.Output())
	if err == nil || !strings.Contains(err.Error(), "mmdebstrap") || !strings.Contains(err.Error(), "apt-get") {
		t.Errorf("got %v, want an error that names mmdebstrap and apt-get", err)
	}
}

func TestAFailedProgramIsAnErrorWithItsLastWords(t *testing.T) {
	err := runLogged(exec.Command("sh", "-c", "echo progress; echo the reason >&2; exit 3"), t.Output(), "is it there?")
	if err == nil || !strings.Contains(err.Error(), "the reason") || !strings.Contains(err.Error(), "is it there?") {
		t.Errorf("got %v, want the program's words and the advice", err)
	}
}
