package ok

import "testing"

func TestOne(t *testing.T) {}

func TestTwo(t *testing.T) { t.Run("inner", func(t *testing.T) {}) }
