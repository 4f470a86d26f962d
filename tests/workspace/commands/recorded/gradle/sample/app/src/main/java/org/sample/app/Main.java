package org.sample.app;

import org.sample.Sum;

public final class Main {
    public static int three() {
        return Sum.add(1, 2);
    }
}
