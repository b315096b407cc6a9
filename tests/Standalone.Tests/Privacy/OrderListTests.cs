using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Tests.Privacy;

public sealed class OrderListTests
{
    [Fact]
    public void Ranges_hold_both_ends_and_the_nearest_doubles()
    {
        var orders = OrderList.Parse("1.1:10.9:0.1,11:63:1,128, 256,512,1024");

        Assert.Equal(99 + 53 + 4, orders.Count);
        Assert.Equal([1.1, 1.2, 1.3], orders.Take(3));
        Assert.Contains(10.9, orders);
        Assert.Equal([63, 128, 256, 512, 1024], orders.TakeLast(5));
    }

    [Fact]
    public void A_range_without_a_step_counts_by_ones() => Assert.Equal([2, 3, 4], OrderList.Parse("2:4"));

    [Theory]
    [InlineData("", "holds no orders"), InlineData("a", "\"a\""), InlineData("1:2:3:4", "1:2:3:4"), InlineData("2:1:1", "2:1:1"), InlineData("1:2:0", "1:2:0"), InlineData("1:1e9:0.001", "at most")]
    public void What_is_no_list_of_orders_is_refused(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => OrderList.Parse(text)).Message, StringComparison.Ordinal);
}
