using FlEvents.Contracts;
using FlEvents.Learning;

namespace FlEvents.Orchestrator.Runs;

/// <summary>Whether the privacy units that a run names are those its clients count by.</summary>
public static class EnrolledUnits
{
    /// <summary>
    /// Why no enrolled client takes part, though some hold the data set; null when some do, or none is enrolled with it yet.
    /// </summary>
    /// <param name="enrolled">What the enrolled clients hold.</param>
    /// <param name="root">Path of the run, under which the error is reported.</param>
    public static SpecError? Check(DataSpec wanted, IEnumerable<ClientDataSet> enrolled, string root = "$")
    {
        var held = enrolled.Where(data => data.Ledger.DataSet == wanted.DataSet).Select(data => data.PrivacyUnitColumn).Distinct().ToList();
        if (held.Count == 0 || held.Contains(wanted.PrivacyUnitColumn))
        {
            return null;
        }

        // Clients that differ among themselves are rare: one of their columns says what is wrong.
        var expected = held[0] is { } column ? $"{SpecText.Quoted(column)}, whose values the enrolled clients count in" : "none, since the enrolled clients count the rows of";
        var got = wanted.PrivacyUnitColumn is { } given ? SpecText.Quoted(given) : "none";
        return new($"{root}.data.privacyUnitColumn", $"expected {expected} data set {SpecText.Quoted(wanted.DataSet)}, got {got}");
    }
}
