package org.sample;

import static org.junit.Assert.assertEquals;

import java.util.Arrays;
import java.util.List;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;

@RunWith(Parameterized.class)
public class EachTest {
    @Parameterized.Parameters(name = "{0}")
    public static List<String> texts() {
        return Arrays.asList("a b", "c", "日本");
    }

    @Parameterized.Parameter public String text;

    @Test
    public void takes() {
        assertEquals(3, text.length());
    }
}
