package engine_test

import (
	"testing"
	"time"

	. "nightshift/remediate"
)

func TestForeseeSaysWhatAStartWouldDoAndDoesNothing(t *testing.T) {
	withVM(t, Restart, func(r *rig) {
		x, err := r.Foresee(r.Context(), "vm-rollback", VM("rave"), Asked{By: "ann"})
		if err != nil {
			r.Fatal(err)
		}
		if x.Playbook != "vm-rollback" || x.Target != VM("rave") || len(x.Plan.Rungs) != 1 || x.Plan.Rungs[0].Digest == "" {
			r.Errorf("%+v", x)
		}
		last := x.Verdicts[len(x.Verdicts)-1]
		if last.Gate != "approval" || last.Decision != Hold {
			r.Errorf("%+v, want it held for a person", x.Verdicts)
		}
		for _, wrong := range []struct{ playbook, vm string }{{"vm-down", "other"}, {"vm-rollback", "other"}} {
			if _, err := r.Foresee(r.Context(), wrong.playbook, VM(wrong.vm), Asked{By: "ann"}); err == nil {
				r.Errorf("%v was foreseen", wrong)
			}
		}
		r.after(time.Hour)
		r.did()
		if len(r.log.Events()) != 0 || len(r.all()) != 0 {
			r.Error("foresee left something behind")
		}
	})
}
