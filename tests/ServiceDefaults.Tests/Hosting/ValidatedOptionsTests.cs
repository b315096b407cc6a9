using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Tests;

public class ValidatedOptionsTests
{
    [Fact]
    public void Defaults_hold_where_nothing_is_said()
    {
        var options = Bind();

        Assert.Equal((4, 0.5, "edge", "data"), (options.Slots, options.Share, options.Pool, options.Folder));
    }

    [Fact]
    public void A_value_out_of_range_is_named_with_its_range() =>
        Assert.Equal(["Worker:Slots is 0: it must be from 1 to 64."], Failures("Worker:Slots=0"));

    [Fact]
    public void Numbers_are_written_the_same_in_every_culture() =>
        Assert.Equal(["Worker:Share is 1.5: it must be from 0.1 to 0.9."], Failures("Worker:Share=1.5"));

    [Fact]
    public void An_empty_value_that_must_be_given_is_named() =>
        Assert.Equal(["Worker:Folder is \"\": it must be given."], Failures("Worker:Folder="));

    [Fact]
    public void A_text_that_does_not_match_is_named_with_its_pattern() =>
        Assert.Equal(["Worker:Pool is \"Edge!\": it must match [a-z0-9-]{1,64}."], Failures("Worker:Pool=Edge!"));

    [Fact]
    public void All_errors_are_told_at_once_those_over_several_values_too() => Assert.Equal(
        ["Worker:Slots is 65: it must be from 1 to 64.", "Worker:Pool is \"Edge!\": it must match [a-z0-9-]{1,64}.", "Worker: Prefetch 3 is less than Slots 65."],
        Failures("Worker:Slots=65", "Worker:Pool=Edge!", "Worker:Prefetch=3"));

    [Fact]
    public void A_name_that_no_option_has_is_refused()
    {
        var thrown = Assert.Throws<InvalidOperationException>(() => Bind("Worker:Slot=3"));

        Assert.Contains("Slot", thrown.Message, StringComparison.Ordinal);
        Assert.Equal("Microsoft.Extensions.Configuration.Binder", thrown.Source);
    }

    [Fact]
    public void Options_are_validated_at_the_start_though_nobody_asks_for_them() =>
        Assert.Throws<OptionsValidationException>(() => Provider("Worker:Slots=0").GetRequiredService<IStartupValidator>().Validate());

    private static IEnumerable<string> Failures(params string[] settings) => Assert.Throws<OptionsValidationException>(() => Bind(settings)).Failures;

    private static WorkerOptions Bind(params string[] settings) => Provider(settings).GetRequiredService<IOptions<WorkerOptions>>().Value;

    private static ServiceProvider Provider(params string[] settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => setting.Split('=')).Select(part => KeyValuePair.Create(part[0], (string?)part[1]))).Build());
        services.AddValidatedOptions<WorkerOptions>("Worker", options => options.Prefetch < options.Slots ? [$"Prefetch {options.Prefetch} is less than Slots {options.Slots}."] : []);
        return services.BuildServiceProvider();
    }

    private sealed class WorkerOptions
    {
        [Range(1, 64)]
        public int Slots { get; set; } = 4;

        [Range(0.1, 0.9)]
        public double Share { get; set; } = 0.5;

        [RegularExpression("[a-z0-9-]{1,64}")]
        public string Pool { get; set; } = "edge";

        [Required]
        public string Folder { get; set; } = "data";

        public int Prefetch { get; set; } = 64;
    }
}
