package org.sample;

import static org.junit.Assert.assertEquals;
import static org.junit.Assume.assumeTrue;

import org.junit.Ignore;
import org.junit.Test;

public class SumTest {
    @Test
    public void adds() {
        assertEquals(3, Sum.add(1, 2));
    }

    @Test
    public void addsMore() {
        System.out.println("printed by the test");
        assertEquals("1 + 2 <is> not 4 & \"so on\"", 4, Sum.add(1, 2));
    }

    @Test
    public void breaks() {
        throw new IllegalStateException("broken\n  in two lines");
    }

    @Test
    @Ignore("not today")
    public void later() {}

    @Test
    public void assumes() {
        assumeTrue("no network", false);
    }

    @Test
    public void größer() {}

    public static class Inside {
        @Test
        public void deep() {
            assertEquals(1, 2);
        }
    }
}
