package org.sample;

public final class Sum {
    public static int add(int a, int b) {
        return a + b;
    }
}
