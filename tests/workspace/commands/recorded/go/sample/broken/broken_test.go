package broken

import "testing"

func TestHalf(t *testing.T) {
	if Halve(4) != 2 {
		t.Fatal()
	}
	var s string = 3
}
